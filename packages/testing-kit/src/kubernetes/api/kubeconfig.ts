/** The text of a kubeconfig file for a server without TLS: one cluster, one user with a token, one context. */
export function kubeconfigText(server: string, token: string): string {
  return `apiVersion: v1
kind: Config
current-context: fake
clusters:
  - name: fake
    cluster:
      server: ${JSON.stringify(server)}
users:
  - name: ${JSON.stringify(token)}
    user:
      token: ${JSON.stringify(token)}
contexts:
  - name: fake
    context:
      cluster: fake
      user: ${JSON.stringify(token)}
      namespace: default
`;
}
