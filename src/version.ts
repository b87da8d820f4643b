/** The version of the library, as package.json has it. A test compares the two. */
export const version = '0.1.0';
