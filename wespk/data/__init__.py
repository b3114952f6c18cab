"""Kaldi data directories, ark/scp tables, audio files, trials and scores: all reading and writing is here."""
