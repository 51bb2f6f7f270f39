"""Projects written: new ones, the examples, one around a model that is there, the next version of it, and older ones brought up to date."""
