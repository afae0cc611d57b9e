"""What only a browser shows, driven through the real thing: `manage.py up` on a folder of its own, and Chromium."""
