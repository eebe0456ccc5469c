"""From a shop's history to a checked model bundle: data in, candidates, examples, ranker, evaluation, export."""
