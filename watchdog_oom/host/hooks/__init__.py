"""Programs of the administrator's that are told of an incident: [hooks] of the configuration."""
