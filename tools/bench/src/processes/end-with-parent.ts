// Every process of the bench imports this first: its parent may be killed, and no process may outlive it.
process.once('disconnect', () => process.exit(1));
