"""Models on other machines; the only user of nats. `remote` is the app's side, `worker` the other side."""
