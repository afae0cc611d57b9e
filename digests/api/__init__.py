"""What programs ask of mail: resources of the API."""
