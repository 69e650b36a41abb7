// The Service Worker under test; `?base=` moves the interface.
import { answerChit } from "/pkg/http/worker.js";

answerChit(self, { base: new URL(self.location).searchParams.get("base") ?? undefined });
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
