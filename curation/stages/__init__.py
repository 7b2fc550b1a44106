"""One module a stage: a frozen dataclass of thresholds, with one pure rule.

The thresholds were chosen on 1,033 real recordings (telephone, wake words, read speech, prompts) and 78 of noise; each
stage says what it costs there.
"""
