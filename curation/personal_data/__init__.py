"""Finds personal data in what was said, as it is said: numbers as words, "at" and "dot", letters one by one.

All but `spacy_names` is pure. What is found is proposed to a person and never removed by itself: a wrong find costs a
glance, a missed one somebody's privacy.
"""
