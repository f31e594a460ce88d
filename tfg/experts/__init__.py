"""Networks that several systems use, a folder each: syncnet, emotion, encoder, extractor."""
