import { spawn, spawnSync } from 'node:child_process';
import { afterEach, expect, test } from '@jest/globals';
import { endpoint, startAwake } from '../testing/harness.ts';

/** Python's own server: one thread, which reads the next request of a connection before it looks at another connection. */
const program = `
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        time.sleep(0.02)
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')
    def log_message(self, *args): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
`;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const hasPython = spawnSync('python3', ['--version']).status === 0;

(hasPython ? test : test.skip)(
  'Python’s HTTPServer answers all of some that come at once, again and again',
  async () => {
    const child = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    ends.push(() => child.kill('SIGKILL'));
    const [said] = (await new Promise((resolve) => child.stdout.once('data', (chunk) => resolve([chunk])))) as [Buffer];
    // One that starved would end as upstream-timeout.
    const h = await startAwake([{ endpoint: endpoint(Number(said.toString())) }], {
      settings: { responseTimeoutMs: 3000 },
    });
    for (let round = 0; round < 12; round++) {
      const answers = await Promise.all([h.send(), h.send(), h.send()]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    }
    await h.end({ forwarded: 36 });
  },
);
