export default function SetupPage() {
  return (
    <div className="page">
      <h1>Set-up</h1>
    </div>
  );
}
