"""The stage on which demo and end-to-end tests play: network namespaces, the traffic generator, a collector, agents."""
