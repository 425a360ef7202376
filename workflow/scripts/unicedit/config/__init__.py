"""Typed configuration, one module and one class a section."""
