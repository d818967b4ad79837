/** What the client calls itself in the Hello of each connection. */

export const clientSoftware = { name: 'odradek', version: '0.1.0' } as const;
