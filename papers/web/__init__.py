"""(shared) HTTP: permissions, rate limits, page cache, paging, the HTML of cards."""
