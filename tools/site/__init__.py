"""The course as a site: `make site` builds build/site from solutions/, docs/ and the docstrings."""
