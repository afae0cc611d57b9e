"""The embedded services and the supervisor that keeps them running. Nothing here imports Django."""
