"""What puts the site together: settings, addresses, Celery, health, backup, the embedded services."""
