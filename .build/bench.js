// npm run bench: the benchmark of the command line. npm run bench -- control: that of the control plane, which needs Kubernetes as the tests do.
// npm run bench -- idle: what sleeping triggers cost. npm run bench -- consume: consumption beside other clients. npm run bench -- memory: the most
// that a gateway takes. npm run bench -- rebalance: how long partitions stand still when members come and go.
const [subject, ...args] = process.argv.slice(2);
if (subject === 'control') {
  const { benchControlPlane } = await import('../test/bench/control.ts');
  await benchControlPlane(args);
} else if (subject === 'idle') {
  const { benchIdle } = await import('../test/bench/idle.ts');
  await benchIdle(args);
} else if (subject === 'consume') {
  const { benchConsumption } = await import('../test/bench/consume.ts');
  await benchConsumption(args);
} else if (subject === 'memory') {
  const { benchMemory } = await import('../test/bench/memory.ts');
  await benchMemory();
} else if (subject === 'rebalance') {
  const { benchRebalance } = await import('../test/bench/rebalance.ts');
  await benchRebalance(args);
} else {
  process.argv.splice(2, 0, 'bench');
  await import('../cli/main.ts');
}
