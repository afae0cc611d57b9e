"""The shape of what people type; a module for each part of the site."""
