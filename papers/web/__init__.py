"""What views share of HTTP: permissions, rate limits, page cache, paging, feeds, the HTML of cards."""
