"""Making data directories of anyone's corpus: finding recordings, naming them, reading headers, writing."""
