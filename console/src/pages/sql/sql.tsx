export default function SqlPage() {
  return (
    <div className="page">
      <h1>SQL</h1>
    </div>
  );
}
