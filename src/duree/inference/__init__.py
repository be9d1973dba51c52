"""Valid estimates from predicted labels: a random sample labelled by hand corrects predictions."""
