"""The demo campaign *Refugees Welcome*: its texts, their loading, and an invented history on request."""
