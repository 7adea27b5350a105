// What shows the node is loaded here.
