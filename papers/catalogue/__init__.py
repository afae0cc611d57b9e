"""What a paper is called and where it is: identifiers, links, categories. Pure."""
