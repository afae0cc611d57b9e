"""What strangers may write, made at random: readers raise nothing but their own errors, and take time in proportion."""
