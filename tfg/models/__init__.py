"""Networks, one per file. Import the one you need: this package stays light."""
