// Compiled, never run: a Service Worker's script.

import { answerChit } from '@chit/client/service-worker';

declare const self: ServiceWorkerGlobalScope;

answerChit(self);
answerChit(self, { base: '/money' });
self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});
