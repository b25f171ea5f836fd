// Imported first by every process of the bench: what started it may be killed, and must leave nobody behind.
process.once('disconnect', () => process.exit(1));
