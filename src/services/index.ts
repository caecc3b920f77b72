/** The domain, as the endpoints see it: what `server.ts` composes. */
// biome-ignore lint/suspicious/noEmptyInterface: services join it as they are built
export interface Services {}
