"""The daily editions: what is listed on a day, and the spans of days that pages show."""
