"""Sound in and words out: decoding in a child process, and recognisers."""
