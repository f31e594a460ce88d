"""Virtual actors: built and photographed faces, voices with known phoneme times, performances, and sets of clips."""
