import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, flag } from '@scaler/command';
import { type EmbeddedSystem, startEmbeddedSystem } from './embedded-system.ts';
import { appNamespace, createWorkload, images, type Mode, modes, playRound, type Round } from './round.ts';

const { once } = commandLine({
  name: 'npm start',
  doc: 'Runs the product on an embedded cluster, and prints what happens there. Needs nothing but Node.js.',
  options: { once: flag('one round of two routing modes, checked; the exit code is 1 when something is wrong') },
  examples: { '': 'stays up until Ctrl-C', '--once': 'half a minute' },
}).values;
const say = (text: string): void => console.log(text);

async function play(system: EmbeddedSystem): Promise<boolean> {
  const rounds: (Round & { mode: Mode })[] = [];
  for (const mode of modes) {
    const name = await createWorkload(system, mode);
    rounds.push({ mode, ...(await playRound(system, name, mode, say)) });
  }
  say('\nmilliseconds from the request   scale call   pod ready   first byte   restored');
  for (const { mode, wake } of rounds) {
    const columns = [wake.scaleCall, wake.podReady, wake.firstByte, wake.restored];
    say(`  ${mode.padEnd(29)} ${columns.map((ms) => String(ms).padEnd(12)).join(' ')}`);
  }
  const problems = rounds.flatMap((round) => round.problems.map((problem) => `${round.mode}: ${problem}`));
  for (const problem of problems) say(`  problem: ${problem}`);
  say(problems.length === 0 ? 'No problems.' : `${problems.length} problems, see above.`);
  return problems.length === 0;
}

async function printLogs({ logFolder }: EmbeddedSystem): Promise<void> {
  for (const file of await readdir(logFolder)) {
    console.error(`--- ${file}\n${(await readFile(join(logFolder, file), 'utf8')).slice(-8_000)}`);
  }
}

function invite(system: EmbeddedSystem): void {
  say('\nThe system stays up; a workload without requests goes to sleep again. Try:');
  for (const mode of modes) say(`  curl -d hello ${system.serviceUrl(appNamespace, `shop-${mode}`, 80)}`);
  say(`  curl -s ${system.adminUrl()}/resources               the resources as the DLX knows them`);
  say(`  curl -s ${system.adminUrl()}/autoscaler/resources    the decisions of the autoscaler, and why`);
  say(`  KUBECONFIG=${system.kubeconfigPath} kubectl get deployments -A -L scaler/phase -w`);
  say(`Logs: ${system.logFolder}. Ctrl-C ends it.`);
}

const begun = performance.now();
say('Starting an embedded cluster, the DLX and the autoscaler.');
const system = await startEmbeddedSystem({
  images,
  autoscalerArgs: ['--scale-interval=250ms', '--cooldown=1s'],
});
say(`Up after ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
let good = false;
try {
  good = await play(system);
  if (!once) {
    invite(system);
    await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  }
} finally {
  if (!good) await printLogs(system);
  await system.close();
}
process.exitCode = good ? 0 : 1;
