"""The only way out: what leaves for a provider is redacted, checked again, sealed and recorded here."""
