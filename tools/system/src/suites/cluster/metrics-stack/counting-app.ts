/**
 * Runs in the pods: HTTP on 8080, each request counted, and the counter on 9090 as `/metrics`. PUT /metrics/off there
 * makes it answer 500, PUT /metrics/on as before.
 */
import http from 'node:http';

let requests = 0;
let isTold = true;

const app = http.createServer((request, response) => {
  requests += 1;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ url: request.url, requests }));
});

const metrics = http.createServer((request, response) => {
  if (request.method === 'PUT') {
    isTold = request.url !== '/metrics/off';
    response.end(JSON.stringify({ isTold }));
    return;
  }
  response.writeHead(isTold ? 200 : 500, { 'content-type': 'text/plain; version=0.0.4' });
  response.end(`# TYPE http_requests_total counter\nhttp_requests_total ${requests}\n`);
});

app.listen(8080, '0.0.0.0');
metrics.listen(9090, '0.0.0.0');
process.on('SIGTERM', () => {
  app.close(() => process.exit(0));
  // Connections that nobody asked anything on yet: kube-proxies may just have chosen this pod.
  setTimeout(() => app.closeIdleConnections(), 500);
});
