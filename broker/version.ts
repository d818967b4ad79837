/** Release of this software, as told to clients. A test compares it with package.json. */
export const softwareVersion = '0.1.0';
