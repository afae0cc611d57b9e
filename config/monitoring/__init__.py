"""What an operator's programs are told: figures for Prometheus, log lines with ids, errors and traces elsewhere."""
