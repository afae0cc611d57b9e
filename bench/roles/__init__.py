"""Labels of sentences of abstracts, and what is made of them: the weights of the classifier, and how good it is."""
