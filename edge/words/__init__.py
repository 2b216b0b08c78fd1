"""Published messages in the words of people, in each language that has a catalogue here."""
