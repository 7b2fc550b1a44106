"""The tests: unit (pure), integration (real servers), e2e (whole stories), architecture (the house rules)."""
