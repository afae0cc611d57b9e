"""What puts the site together: settings, addresses, Celery, health, backup, and the embedded services. Nothing imports it."""
