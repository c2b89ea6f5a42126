"""Naive baselines: the accuracy that a protocol gives before any tensor network enters. One file per format.

They see a thumbnail of 240 numbers (thumbnails.py) in place of each frame, and are scored and recorded like the other
models. Importing them imports neither torch nor scikit-learn, so that a configuration is checked within a second.
"""
