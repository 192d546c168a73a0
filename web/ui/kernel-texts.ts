// The kernel's sources, the very bytes that were compiled, in one piece of their own.
export const kernelTexts = import.meta.glob<string>(
  "../../assembly/{kernel,policy,proposal}/*.ts",
  { query: "?raw", import: "default", eager: true },
);
