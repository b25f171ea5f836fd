/**
 * The DLX's data path has no listener without a guard: what throws out of one ends the process. `packages/dlx/src/sockets/guard.ts`
 * makes them; see there.
 */
const message = 'A peer reaches this: use listen, listenOnce, replaceMethod or guard of guard.ts, or try and catch.';

const functions = ':matches(ArrowFunctionExpression, FunctionExpression)';

const unguarded = [
  // emitter.on('data', …), signal.addEventListener(…), readable.pipe(…)
  "CallExpression[callee.type='MemberExpression'][callee.property.name=/^(on|once|addListener|prependListener|prependOnceListener|addEventListener|pipe)$/]",
  // emitter['on'](…)
  "CallExpression[callee.type='MemberExpression'][callee.property.value=/^(on|once|addListener|prependListener|prependOnceListener|addEventListener|pipe)$/]",
  // socket.setTimeout(1000, …), socket.write(chunk, …), session.close(…)
  `CallExpression[callee.type='MemberExpression'][callee.property.name=/^(setTimeout|write|close|destroy|connect|respond|pushStream|settings)$/] > ${functions}`,
  // session.ping(…), but for session.ping(guard(…))
  "CallExpression[callee.type='MemberExpression'][callee.property.name='ping'] > :not(MemberExpression, CallExpression[callee.name='guard'])",
  // createServer(…)
  `CallExpression[callee.name=/^(createServer|createSecureServer|createConnection|request|connect)$/] > ${functions}`,
  // parser.onIncoming = …, socket.destroySoon = …
  `AssignmentExpression[left.type='MemberExpression'][left.property.type='Identifier'] > ${functions}`,
  // What Node and undici call themselves: emit and push, and the methods of undici's handler.
  'MethodDefinition[key.name=/^(emit|push|on(?!ResponseStarted$)(Request|Response|Upgrade|Headers|Data|Complete|Error|BodySent)\\w*)$/] > FunctionExpression > BlockStatement:not(:has(> TryStatement))',
  // clientErrorHandler and others as options
  `Property[key.name=/^(clientErrorHandler|lookup)$/] > ${functions}`,
].map((selector) => ({ selector, message }));

/** What a listener puts off runs outside of its guard: setImmediate(() => …), process.nextTick(() => …). */
const deferred = [
  `CallExpression[callee.name=/^(setImmediate|setTimeout|queueMicrotask)$/] > ${functions}`,
  `CallExpression[callee.property.name=/^(nextTick|setImmediate|queueMicrotask)$/] > ${functions}`,
].map((selector) => ({ selector, message: 'It runs outside of the guard of what put it off: use guard(owner, …).' }));

const ignores = ['**/*.test.ts', '**/testing/**', 'packages/dlx/src/sockets/guard.ts'];

/** Where they are looked for: the first everywhere, both where peers are spoken with. */
export const guarded = [
  {
    files: ['packages/dlx/src/**/*.ts'],
    ignores,
    rules: { 'no-restricted-syntax': ['error', ...unguarded] },
  },
  {
    files: ['packages/dlx/src/{accept,endpoints,head,http1,http2,tcp,upgrade}/**/*.ts'],
    ignores,
    rules: { 'no-restricted-syntax': ['error', ...unguarded, ...deferred] },
  },
];
