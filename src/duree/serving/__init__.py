"""A trained network outside of Durée, and as a service."""
