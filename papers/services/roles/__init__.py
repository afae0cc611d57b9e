"""Which sentence of an abstract is aim, method or result: the classifier, and its work on the papers that wait."""
