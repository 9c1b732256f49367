"""From documents to the intermediate representation: names are looked up, words become values, clauses matches."""
